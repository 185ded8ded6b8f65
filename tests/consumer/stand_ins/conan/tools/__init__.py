# Stand-in, see conan/__init__.py.
