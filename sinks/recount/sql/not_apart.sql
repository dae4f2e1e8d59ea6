-- Voters apart are counted elsewhere; left out where there are none.
AND (partition, voter) NOT IN (
    -- include voters_apart
)
