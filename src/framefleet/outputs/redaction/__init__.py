"""The video of a document with faces, objects and words hidden."""
