"""Adapters for memories that can be tried by name. Each needs the memory that it is for; nothing here installs one."""
