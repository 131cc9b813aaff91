"""Other memories: tried for the ten ways in which agent memories have leaked, through an adapter of a few lines."""
