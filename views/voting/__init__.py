"""How does a person vote in a browser? The booth's pages, complete without JavaScript; the widget's
within pages of partners.

Enters: requests for /c/{consultation}/vote, /c/{consultation}/widget and what lies below. Leaves:
pages, and acts handed to a `Desk`, behind which the gateway records them. Called by `views.api`
where there is a desk.
"""
