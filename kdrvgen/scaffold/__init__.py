"""New projects: templates, the questions they ask, and putting the whole of a project on disk."""
