//! Empty: the package needs a library that its build script, the program, belongs to.
