"""Apps: the command line, the HTTP interface, the web application and the demo."""
