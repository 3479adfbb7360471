"""Max, telecoms: lines that are down, routers, contracts."""

from calls.simulator.scenarios.desk import Desk, ToolTalk

DESK = Desk(
    agent="Max",
    trade="telecoms",
    greetings=(
        "[Hello|Hi], technical support, this is Max. What isn't working?",
        "Fibre support, Max here. Are you calling from the line that has the trouble?",
        "Thanks for calling support, my name is Max. [How can I help|Tell me what's wrong]?",
    ),
    topics=(
        (
            (
                "My internet has been [down|dead|off] since {hour} this morning.",
                "That's annoying. Which lights are on at the front of the router?",
            ),
            (
                "The first one is green and the second one is [red|blinking red|orange].",
                "Then the box is fine and the line is not. Please pull the thin cable out, count to ten, "
                "and put it back.",
            ),
            (
                "[Okay|Right], done. Now it's blinking green.",
                "That is the sound of success, more or less. Give it two minutes; I can see it signing in from here.",
            ),
        ),
        (
            (
                "The wireless doesn't reach my bedroom.",
                "How many walls are between the router and the bedroom, roughly?",
            ),
            (
                "{count}, and one of them is [brick|old stone|really thick].",
                "Then a second access point helps more than anything you can set. I can send you one for {small}.",
            ),
            (
                "Do I have to set it up myself?",
                "You plug it in and press one button on each. It takes about {count} minutes, and I stay "
                "on the line if you call.",
            ),
        ),
        (
            (
                "My contract ends in {month} and I'd like to know what you can offer.",
                "Thank you for asking us first. You pay {amount} a quarter now; for the same money you "
                "could have twice the speed.",
            ),
            (
                "I don't need it faster, I want it cheaper.",
                "Fair enough. Keeping the speed, I can take {small} off every month if you stay for a year.",
            ),
        ),
        (
            (
                "I'm moving house on {day}. Can I take my number with me?",
                "You can, as the new address is in the same exchange. Which address is it?",
            ),
            (
                "It's {street}, the flat on the [ground|first|top] floor.",
                "There is a line in the building already. An engineer comes on {other_day} at {hour}, and "
                "somebody must be in.",
            ),
            (
                "I'll be there. What about the old line?",
                "It stops by itself at midnight on {day}. Just bring the router along.",
            ),
        ),
        (
            (
                "I was charged {small} for roaming and I never left the country.",
                "Do you live near the coast? Phones sometimes pick up a mast from across the water.",
            ),
            (
                "I was at the beach on {day}, [yes|that's true].",
                "That is it, then. I have refunded the {small} and put a block on roaming, which you can "
                "lift with a text message.",
            ),
        ),
        (
            (
                "Somebody rang and said my line will be cut off unless I pay.",
                "That was not us, and I'm glad you called. Did you give them any numbers or passwords?",
            ),
            (
                "Only my name and my {month} bill number.",
                "Then no harm is done. I have put a note and a password on the account; the word is the "
                "one we sent to {street}.",
            ),
        ),
    ),
    tools=(
        ToolTalk(
            question="Can you test my line from your side?",
            filler="I'm starting a line test now.",
            name="test_line",
            arguments='{"line": "{reference}", "depth": "full"}',
            output='{"sync": true, "down_mbit": 72, "errors": {digits}}',
            answer=(
                "The line is in sync at seventy-two megabits, but it counts many errors. I'll send an "
                "engineer on {day}."
            ),
            apology=("The test did not come back. I have opened a ticket, {reference}, and will text you the result."),
        ),
        ToolTalk(
            question="Is there an outage around {street}?",
            filler="",
            name="find_outages",
            arguments='{"near": "{street}"}',
            output='{"outage": true, "until": "{hour}"}',
            answer="Yes, a cable was cut nearby. The crew expects to be done by {hour}.",
            apology="The outage map is not available. Please look at our status page in half an hour.",
        ),
    ),
    complaint="I've been without a line since {day} and you keep telling me to restart the router!",
    long_answer=(
        "Here is what I would like you to do, one thing after the other. Take the router off the mains "
        "and wait a full minute, take out every cable except the power and the thin grey one, put it back "
        "on the mains and wait until the second light is steady, then connect one computer with a cable "
        "and not over the air, open the page that is printed on the back of the box, and read me the "
        "number that stands next to the words attenuation down."
    ),
    transfer="I'm handing you over to a line engineer who can see more than I can. Hold on, please.",
)
