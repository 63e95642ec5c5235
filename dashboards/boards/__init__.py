"""One file a board; `BOARD` says what is on it."""
