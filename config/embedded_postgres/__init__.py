"""A database engine that brings its own PostgreSQL: used when DATABASE_URL is unset."""
