"""The adapter's protocol in NumPy, written from its documentation alone, and bugs to plant in it."""
