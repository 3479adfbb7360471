"""Theo, booking: tables, rooms, appointments."""

from calls.simulator.scenarios.desk import Desk, ToolTalk

DESK = Desk(
    agent="Theo",
    trade="booking",
    greetings=(
        "[Hello|Good afternoon], reservations, this is Theo. What may I book for you?",
        "Harbour House, Theo at the booking desk. [How can I help|What can I do for you]?",
        "Hi, you've reached bookings. I'm Theo. Is it a table or a room?",
    ),
    topics=(
        (
            (
                "I'd like a table for {count} on {day} evening, please.",
                "With pleasure. On {day} I have something at seven and at half past eight. Which do you prefer?",
            ),
            (
                "Half past eight, if it's [by the window|outside|not too loud].",
                "I can put you by the window. Under which name shall I write it down?",
            ),
            (
                "{surname}, please. One of us is allergic to nuts.",
                "Thank you, {surname} for {count}, half past eight on {day}. I have told the kitchen about the nuts.",
            ),
        ),
        (
            (
                "I need to move my appointment from {day} to {other_day}.",
                "Let me see what is free on {other_day}. I have {hour} or {other_hour}.",
            ),
            (
                "{hour} is [fine|perfect|good]. Is it with the same person?",
                "Yes, with the same person, and it will take about forty minutes, as before.",
            ),
        ),
        (
            (
                "[Hi|Hello], do you have a room for two nights from {day}?",
                "We do. There is a double with a view of the harbour, or a quieter one towards the garden.",
            ),
            (
                "What's the price of the quiet one?",
                "It is {amount} for both nights, with breakfast. You can cancel free of charge until the day before.",
            ),
            (
                "[Good|Great], I'll take it. We arrive late, around eleven.",
                "No trouble at all. The night porter will have your key, and your booking number is {reference}.",
            ),
        ),
        (
            (
                "I have to cancel for {day}. My daughter is ill.",
                "I'm sorry, I hope she is better soon. Shall I cancel it altogether or hold it for the week after?",
            ),
            (
                "Hold it for the week after, same time.",
                "Done. It is now {day} of next week at {hour}, and there is no fee for the change.",
            ),
        ),
        (
            (
                "Can you do a birthday dinner for twelve people in {month}?",
                "Gladly. For twelve I would suggest the small room upstairs; you'd have it to yourselves.",
            ),
            (
                "What would that cost?",
                "The room is free when you order the set menu, which is {small} a head for the first "
                "course alone and forty for all three.",
            ),
            (
                "And can we bring our own cake?",
                "Of course you can. Bring it an hour before and we keep it cool for you, candles included.",
            ),
        ),
        (
            (
                "I booked online but I never got a confirmation.",
                "Let me find it. Is the name {surname}, for {count} people?",
            ),
            (
                "Yes, that's [me|us|right].",
                "I see it here, reference {reference}. The address had a typing mistake in it; I have "
                "corrected it and sent the confirmation again.",
            ),
        ),
    ),
    tools=(
        ToolTalk(
            question="Is there anything free on {day} around {hour}?",
            filler="Let me look at the book.",
            name="find_free_slots",
            arguments='{"day": "{day}", "around": "{hour}", "people": 2}',
            output='{"slots": ["{hour}", "{other_hour}"]}',
            answer="On {day} I can offer you {hour} or {other_hour}.",
            apology="The reservation book does not open at the moment. May I ring you back within the hour?",
        ),
        ToolTalk(
            question="Please book me in for {day} at {hour}, the name is {surname}.",
            filler="",
            name="make_booking",
            arguments='{"day": "{day}", "time": "{hour}", "name": "{surname}"}',
            output='{"reference": "{reference}", "confirmed": true}',
            answer="You are booked in for {day} at {hour}. Your reference is {reference}.",
            apology="I could not save the booking just now, so please call again in a few minutes.",
        ),
    ),
    complaint="We stood at your door on {day} with {count} people and nobody knew of our booking!",
    long_answer=(
        "We have several ways to spend the evening. There is the tasting menu with seven small courses, "
        "which takes about three hours, then the market menu that changes every {day} with whatever the "
        "boats bring in, and for the little ones a shorter plate with fish or pasta, and all of them can "
        "be had without meat, without nuts and without milk if you tell us a day ahead."
    ),
    transfer="I will pass you to the house manager straight away. One moment, please.",
)
