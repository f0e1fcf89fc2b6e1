"""The small data that ships with spikesim; README.md beside this file tells source and licence."""
