"""How does a person vote in a browser? The booth's pages, complete without JavaScript.

Enters: requests for /c/{consultation}/vote and what lies below. Leaves: pages, and acts handed to
a `Desk`, behind which the gateway records them. Called by `views.api` where there is a desk.
"""
