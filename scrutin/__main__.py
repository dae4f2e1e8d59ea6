"""`python -m scrutin`."""

from scrutin.main import main


main()
