"""Counts lines, words and characters in text files."""
