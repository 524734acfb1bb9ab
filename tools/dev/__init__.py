"""Set-up, server and demo behind dev.py."""
