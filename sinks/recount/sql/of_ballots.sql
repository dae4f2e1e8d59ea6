-- Of the votes, what voters did in a consultation up to a vector of offsets.
topic = {topic:String} AND consultation = {consultation:String}
    AND kind IN ('vote_cast', 'vote_withdrawn', 'qualification_added', 'qualification_withdrawn')
    AND offset <= {vector:Array(Int64)}[partition + 1]
