"""Executors: the analysis of many videos at once, in threads, in processes of their own, or on several hosts."""
