"""Lists of options: text files, collections, and where they are searched."""
