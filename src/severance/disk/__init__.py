"""SQLite files, opened with care: what vault and chip have in common. Connections, failures in our words, new files."""
