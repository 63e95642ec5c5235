"""In: a product's payload bytes. Out: samples. One file per product family; the file's name is its permanent key."""
