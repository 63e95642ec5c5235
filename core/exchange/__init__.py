"""History in and out: CSV or Parquet files of readings and lists of overflow events, mapped to and from what Mjøsa keeps."""
