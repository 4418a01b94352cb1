"""The run folder: Parquet tables, manifest, and reading them back."""
