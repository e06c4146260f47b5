"""New projects: templates, questions, and writing the whole project to disk."""
