-- VoteCast records up to a cut, on a proposal or, where none is named, in the whole consultation.
SELECT count() FROM votes
WHERE topic = {topic:String} AND kind = 'vote_cast' AND fault = ''
    AND consultation = {consultation:String}
    AND ({proposal:String} = '' OR proposal = {proposal:String})
    AND toInt64(offset) <= {vector:Array(Int64)}[partition + 1]
