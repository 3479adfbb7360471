"""Stories against the running product. Each waits for conditions; together they take two minutes."""
