"""How HTTP is served: requests and answers in bounded bytes, visitors behind proxies."""
