"""Iris, triage: a practice's first contact. Gives no advice beyond finding the right appointment."""

from calls.simulator.scenarios.desk import Desk, ToolTalk

DESK = Desk(
    agent="Iris",
    trade="triage",
    greetings=(
        "[Hello|Good morning], Quayside Practice, this is Iris. What is the matter today?",
        "You've reached Quayside Practice, my name is Iris. If this is an emergency please hang up and "
        "dial 999. How can I help?",
        "Quayside Practice, Iris speaking. Are you calling for yourself or for somebody else?",
    ),
    topics=(
        (
            (
                "I've had a [bad|nasty] cough for {count} weeks and it won't go away.",
                "I'm sorry to hear that. Do you have a temperature, or any pain when you breathe?",
            ),
            (
                "No temperature. It's just [tiring|very dry] and worse at night.",
                "Thank you. Have you ever smoked, or do you take any medicine at the moment?",
            ),
            (
                "I stopped smoking in {month}. I only take something for my blood pressure.",
                "Some blood pressure tablets can cause a cough, so I would like a nurse to see you. There "
                "is {day} at {hour}.",
            ),
        ),
        (
            (
                "My son fell off his bike and his wrist is [swollen|quite swollen|blue].",
                "Poor thing. Can he move his fingers, and can he feel it when you touch them?",
            ),
            (
                "Yes, he can move them, but he cries when I touch the wrist.",
                "Keep it still and cool. He should be seen today; the injuries unit at {street} is open until eight.",
            ),
        ),
        (
            (
                "I need a repeat of my prescription, I only have {count} tablets left.",
                "I can ask for that. What is the name on the box, and which pharmacy do you use?",
            ),
            (
                "It's the blue inhaler, and the pharmacy on {street}.",
                "Thank you. The request goes to the doctor now and will be ready at the pharmacy by {day}.",
            ),
        ),
        (
            (
                "Could I have the results of my blood test from {day}?",
                "I can see they have come in. May I have your date of birth first, so that I know it is you?",
            ),
            (
                "The fourth of {month}, eighty-two.",
                "Thank you. The doctor has marked them as normal and left a note that no further test is needed.",
            ),
            (
                "[Oh good|That's a relief]. Do I need to come in again?",
                "Not for this. Your next review is in {month}, and we will write to you before.",
            ),
        ),
        (
            (
                "I've been feeling very low since {month} and I don't sleep.",
                "Thank you for telling me, that is not easy to say. Are you safe right now, and is somebody with you?",
            ),
            (
                "I'm safe. My sister is here. I'd just like to talk to [someone|a doctor].",
                "That is a good step. I have a long appointment with Doctor Haddad on {day} at {hour}, "
                "and your sister is welcome to come along.",
            ),
            (
                "Yes, please. [Thank you|That would be good].",
                "It is booked. If anything changes before then, call us again at any hour and press one.",
            ),
        ),
        (
            (
                "Do you still have the flu jab? I'm over sixty-five.",
                "We do. There is a clinic on {day}, no doctor needed, and it takes five minutes.",
            ),
            (
                "Can my husband come at the same time?",
                "Of course. I have put you both down for {hour}. Please wear something with short sleeves.",
            ),
        ),
    ),
    tools=(
        ToolTalk(
            question="When is the next free appointment with a nurse?",
            filler="I am looking at the nurses' lists.",
            name="next_appointment",
            arguments='{"with": "nurse", "urgency": "routine"}',
            output='{"day": "{day}", "time": "{hour}", "with": "Nurse Evans"}',
            answer="The next one is on {day} at {hour}, with Nurse Evans.",
            apology=("The appointment list is not loading. Somebody from the practice will call you this afternoon."),
        ),
        ToolTalk(
            question="Has the doctor's letter been sent to the hospital yet?",
            filler="I'll check the letters.",
            name="find_referral",
            arguments='{"patient": "{surname}", "kind": "referral"}',
            output='{"sent": true, "on": "{day}"}',
            answer="It was sent on {day}. The hospital will write to you within {count} weeks.",
            apology=("I cannot see the letters right now, so I have left a note for the secretary to ring you."),
        ),
    ),
    complaint="I have been trying to get an appointment for {count} weeks. This is not acceptable!",
    long_answer=(
        "Before the appointment there are a few things to prepare. Please eat nothing after midnight but "
        "do drink water, bring a list of everything you take with the amounts on it, wear something that "
        "is easy to open at the arm, leave a quarter of an hour for the forms at the desk, and if you "
        "feel faint afterwards sit down in the waiting room until one of the nurses has had a look at you."
    ),
    transfer=("I would like a clinician to speak to you now. I am transferring the call, please don't hang up."),
)
