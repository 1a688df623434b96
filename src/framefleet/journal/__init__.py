"""The journal: requests and answers, saved to disk as soon as they are known, so that nothing is paid for twice."""
