"""The admins' own pages: one module per page. Views check shape; what may be done is for the actions to say."""
