-- Counts of every proposal of a consultation from the ballot box alone, up to a vector of offsets,
-- by the rules written apart from the ledger: decisions are not looked at. Voters apart are left out:
-- for everybody else the first delivery of an event counts, whatever is remembered.
-- Given from controls.sql: by partition, the offsets of its closing and sealing; the voters
-- suspended last, and the lowest cause of each. From adoptions.sql: by partition, the offset from which rules 2 are in force.
-- The row of an empty proposal holds the figures of the whole consultation.
WITH
    -- All events of one voter on one proposal, in the order of the log.
    held AS (
        SELECT
            voter, proposal,
            arraySort(groupArray((offset, toUInt8(kind), toUInt8(choice) + toUInt8(qualification),
                trust = 'suspect', event_id,
                offset > {rules_2_at:Array(UInt64)}[partition + 1],
                if(offset > {rules_2_at:Array(UInt64)}[partition + 1],
                    bitShiftLeft(toUInt8(1), toUInt8(shown)), 1)))) AS events,
            partition != reinterpretAsUInt32(reverse(substring(voter, 1, 4)))
                % length({vector:Array(Int64)}) AS misplaced,
            {closed_at:Array(UInt64)}[partition + 1] AS closing,
            {sealed_at:Array(UInt64)}[partition + 1] AS sealing
        FROM votes
        WHERE (
            -- include of_ballots
        )
            -- include not_apart
        GROUP BY partition, voter, proposal
    ),
    -- After the closing all is late, save a redelivery of what came in time, until nobody remembers
    -- it after the sealing. That one, and any other delivery after the first, is repeated.
    sorted AS (
        SELECT
            voter, proposal, misplaced,
            arrayCount(event -> event.2 = 1, events) AS casts,
            if(events[-1].1 < closing, events,
                arrayFilter(event -> event.1 < closing, events)) AS in_time,
            if(length(in_time) < 2, in_time, arrayFilter((event, occurrence) -> occurrence = 1,
                in_time, arrayEnumerateUniq(in_time.5))) AS firsts,
            arrayCount(event -> event.2 = 1, firsts) AS first_casts,
            if(length(in_time) = length(events), 0, arrayCount(event -> event.2 = 1
                AND event.1 > closing AND (event.1 > sealing OR NOT has(in_time.5, event.5)),
                events)) AS late_casts
        FROM held
    ),
    -- An event is: offset, kind, choice or qualification, suspect, id, by rules 2, shown (1 unknown,
    -- 2 served, 4 asked). A vote is: choice (bits 0 and 1, 0 for none), suspect (bit 2), a bit a
    -- qualification (from bit 3). With it go the numbers of casts superseded, votes withdrawn, casts
    -- unchanged, proven and refused, and how the events that moved choice or suspicion were shown.
    -- A suspect event never moves a trusted vote: choice set, bit 2 clear. By rules 2 a suspect vote
    -- that is proven loses its qualifications. Asked once, a vote is asked for; all of them served,
    -- it is drawn. Every event by rules 1 is of unknown route.
    folded AS (
        SELECT
            voter, proposal, misplaced, casts, first_casts, late_casts,
            voter IN (SELECT toFixedString(unhex(arrayJoin({suspended:Array(String)})), 16))
                AS is_suspended,
            arrayFold((state, event) -> (
                toUInt16(multiIf(
                    event.2 = 1 AND event.3 = bitAnd(state.1, 3),
                        if(event.4 OR bitAnd(state.1, 4) = 0, state.1,
                            if(event.6, toUInt16(event.3), bitAnd(state.1, 65531))),
                    event.4 AND bitAnd(state.1, 7) BETWEEN 1 AND 3, state.1,
                    event.2 = 1, event.3 + 4 * event.4,
                    event.2 = 2, 0,
                    event.2 = 3, if(intDiv(event.3 + 2, 3) = bitAnd(state.1, 3),
                        bitOr(state.1, bitShiftLeft(toUInt16(4), event.3)), state.1),
                    bitAnd(state.1, bitNot(bitShiftLeft(toUInt16(4), event.3)))
                )) AS next,
                state.2 + (event.2 = 1 AND bitAnd(state.1, 3) != 0
                    AND event.3 != bitAnd(state.1, 3)
                    AND NOT (event.4 AND bitAnd(state.1, 4) = 0)),
                state.3 + (event.2 = 2 AND bitAnd(state.1, 3) != 0
                    AND NOT (event.4 AND bitAnd(state.1, 4) = 0)),
                state.4 + (event.2 = 1 AND event.3 = bitAnd(state.1, 3)
                    AND (event.4 OR bitAnd(state.1, 4) = 0)),
                state.5 + (event.2 = 1 AND event.3 = bitAnd(state.1, 3)
                    AND NOT (event.4 OR bitAnd(state.1, 4) = 0)),
                state.6 + (event.2 = 1 AND bitAnd(state.1, 3) != 0
                    AND event.3 != bitAnd(state.1, 3) AND event.4 AND bitAnd(state.1, 4) = 0),
                bitOr(state.7, if(bitAnd(bitXor(next, state.1), 7) != 0 OR NOT event.6, event.7, 0))
            ), if(misplaced, [], firsts), (toUInt16(0), toUInt64(0), toUInt64(0), toUInt64(0),
                toUInt64(0), toUInt64(0), toUInt8(0))) AS state,
            state.1 AS vote,
            bitAnd(vote, 3) AS choice,
            choice != 0 AND bitAnd(vote, 4) = 0 AND NOT is_suspended AS counts,
            counts AND state.7 = 2 AS drawn,
            if(is_suspended, transform(lower(hex(voter)), {suspended:Array(String)},
                {causes:Array(UInt8)}, toUInt8(0)), 0) AS cause
        FROM sorted
    )
SELECT
    proposal,
    sum(casts) AS received,
    countIf(counts AND choice = 1) AS agree,
    countIf(counts AND choice = 2) AS disagree,
    countIf(counts AND choice = 3) AS neutral,
    countIf(counts AND bitTest(vote, 3)) AS like_it,
    countIf(counts AND bitTest(vote, 4)) AS doable,
    countIf(counts AND bitTest(vote, 5)) AS platitude_agree,
    countIf(counts AND bitTest(vote, 6)) AS no_way,
    countIf(counts AND bitTest(vote, 7)) AS impossible,
    countIf(counts AND bitTest(vote, 8)) AS platitude_disagree,
    countIf(counts AND bitTest(vote, 9)) AS do_not_understand,
    countIf(counts AND bitTest(vote, 10)) AS no_opinion,
    countIf(counts AND bitTest(vote, 11)) AS do_not_care,
    countIf(choice != 0 AND NOT is_suspended AND bitTest(vote, 2)) AS set_aside_unproven,
    countIf(choice != 0 AND is_suspended) AS set_aside_suspended,
    sum(state.2) AS superseded,
    sum(state.3) AS withdrawn,
    sum(state.4) AS unchanged,
    sumIf(casts - first_casts - late_casts, NOT misplaced) AS repeated,
    sum(state.5) AS proven,
    sumIf(late_casts, NOT misplaced) AS late,
    sumIf(casts, misplaced) AS refused_misplaced,
    sum(state.6) AS refused_unproven_change,
    0 AS refused_too_many,
    countIf(choice != 0 AND cause = 1) AS set_aside_cause_1,
    countIf(choice != 0 AND cause = 2) AS set_aside_cause_2,
    countIf(choice != 0 AND cause = 3) AS set_aside_cause_3,
    countIf(choice != 0 AND cause = 4) AS set_aside_cause_4,
    countIf(choice != 0 AND cause = 5) AS set_aside_cause_5,
    countIf(choice != 0 AND cause = 6) AS set_aside_cause_6,
    countIf(choice != 0 AND cause = 7) AS set_aside_cause_7,
    countIf(choice != 0 AND cause = 8) AS set_aside_cause_8,
    countIf(choice != 0 AND cause = 9) AS set_aside_cause_9,
    countIf(choice != 0 AND cause = 10) AS set_aside_cause_10,
    countIf(choice != 0 AND cause = 11) AS set_aside_cause_11,
    countIf(choice != 0 AND cause = 12) AS set_aside_cause_12,
    countIf(choice != 0 AND cause = 13) AS set_aside_cause_13,
    countIf(choice != 0 AND cause = 14) AS set_aside_cause_14,
    countIf(choice != 0 AND cause = 15) AS set_aside_cause_15,
    countIf(drawn AND choice = 1) AS drawn_agree,
    countIf(drawn AND choice = 2) AS drawn_disagree,
    countIf(drawn AND choice = 3) AS drawn_neutral,
    countIf(drawn AND bitTest(vote, 3)) AS drawn_like_it,
    countIf(drawn AND bitTest(vote, 4)) AS drawn_doable,
    countIf(drawn AND bitTest(vote, 5)) AS drawn_platitude_agree,
    countIf(drawn AND bitTest(vote, 6)) AS drawn_no_way,
    countIf(drawn AND bitTest(vote, 7)) AS drawn_impossible,
    countIf(drawn AND bitTest(vote, 8)) AS drawn_platitude_disagree,
    countIf(drawn AND bitTest(vote, 9)) AS drawn_do_not_understand,
    countIf(drawn AND bitTest(vote, 10)) AS drawn_no_opinion,
    countIf(drawn AND bitTest(vote, 11)) AS drawn_do_not_care,
    countIf(counts AND bitTest(state.7, 2)) AS counted_asked,
    uniqExactIf(reinterpretAsUInt128(voter), counts) AS participants,
    uniqExactIf(reinterpretAsUInt128(voter), first_casts > 0 AND NOT misplaced) AS participants_received
FROM folded
GROUP BY proposal WITH ROLLUP
-- Every branch is cheap; choosing rows for each costs more than evaluating it for all.
SETTINGS short_circuit_function_evaluation = 'disable'
