"""The files of a hand-written project, and what they hold."""
