"""Render a project to texts. Pure: the same project gives the same bytes on every host."""
