"""The process that works: lanes and jobs."""
