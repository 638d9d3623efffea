//! Integration tests: the library and the program against real package managers.

mod rpm;
