"""Files and run directories: a file is complete or absent, and a run has its directory alone."""
