"""In: arrays. Out: findings. One file per detector; the file's name is its permanent key."""
