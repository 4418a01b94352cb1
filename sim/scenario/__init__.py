"""The scenario file: specification, loader, error report, schema, library."""
