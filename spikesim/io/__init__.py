"""Files and directories: complete or not there at all, and nobody else's."""
