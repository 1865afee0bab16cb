"""Tasks from files: readers per format, the checking of rows, and the writing of what is good."""
