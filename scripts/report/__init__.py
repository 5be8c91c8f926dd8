"""The pieces of scripts/report.py: result lines in, one HTML page out."""
