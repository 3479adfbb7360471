"""Nora, billing: charges, refunds, direct debits."""

from calls.simulator.scenarios.desk import Desk, ToolTalk

DESK = Desk(
    agent="Nora",
    trade="billing",
    greetings=(
        "[Hello|Good morning|Hi there], this is Nora from the billing team. How can I help you today?",
        "Thank you for calling accounts and billing, Nora speaking. What can I do for you?",
        "Billing, you're speaking with Nora. Which account are you calling about?",
    ),
    topics=(
        (
            (
                "[Hi|Hello], there is a charge of {amount} on my statement that I don't recognise.",
                "I'm sorry about the surprise. Let me look at that with you. Can you tell me the last "
                "four digits of the card it was taken from?",
            ),
            (
                "[Sure|Yes], it ends in {digits}.",
                "Thank you. I see it: {amount} on the third, for the annual plan. It renewed on its own "
                "after twelve months.",
            ),
            (
                "I never asked for that to be renewed. Can I [get the money back|have a refund]?",
                "You can. You are still within thirty days, so I have cancelled the renewal and the full "
                "amount goes back to your card within five working days.",
            ),
        ),
        (
            (
                "My direct debit went out [twice|two times] this month.",
                "That should not happen. I can see both payments of {amount}; the second one was sent by "
                "mistake when our bank ran the file again.",
            ),
            (
                "So what happens now? I need that money for my rent.",
                "I understand. I have marked the second payment for return today, and I will credit "
                "{small} for the trouble. It should be with you by {day}.",
            ),
        ),
        (
            (
                "I would like to change the day my bill is [taken|paid], please.",
                "Of course. At the moment it leaves your account on the first. Which day would suit you better?",
            ),
            (
                "I'm paid on the twenty-fifth, so maybe the twenty-eighth.",
                "The twenty-eighth works. There will be one shorter bill in between, of about {small}, "
                "and then everything runs as before.",
            ),
            (
                "And do I have to sign anything?",
                "No, your bank only needs to be told, and we do that. You will have a letter by {day} for "
                "your records.",
            ),
        ),
        (
            (
                "Can you send me a copy of my invoices for {month}? My accountant wants them.",
                "Certainly. There are {count} invoices in {month}. Shall I send them to the address we "
                "have, the one at {street}, or by email?",
            ),
            (
                "Email, please. The one ending in example dot com.",
                "They are on their way. Each one is a separate document, and the VAT is shown on the second page.",
            ),
        ),
        (
            (
                "I've lost my job and I don't think I can pay {amount} at once.",
                "I'm sorry to hear that, and thank you for calling early. We can spread it over {count} "
                "months without any interest. Would that help?",
            ),
            (
                "That would help a lot. What would I pay each month?",
                "Around {small} a week to start with. I will hold all reminders while the plan runs, so "
                "you won't get any letters from us.",
            ),
            (
                "[Okay|Alright], let's do that. Does it go on my credit record?",
                "No. As long as the payments arrive, nothing is reported. I have noted reference {reference} for you.",
            ),
        ),
        (
            (
                "Why is my bill {small} higher than last month?",
                "Let me compare the two. The difference is a price change that began on the first, and a "
                "late fee from {month}.",
            ),
            (
                "I was never late. I paid on {day}.",
                "You are right, the payment came in on {day}, one day before it was due. I have taken the "
                "late fee off and your next bill shows the credit.",
            ),
        ),
    ),
    tools=(
        ToolTalk(
            question="Can you check whether my payment of {amount} has arrived?",
            filler="Let me check that for you.",
            name="find_payment",
            arguments='{"reference": "{reference}", "amount": "{amount}"}',
            output='{"status": "received", "received_on": "{day}", "amount": "{amount}"}',
            answer="Yes, it arrived on {day}. Your account is up to date.",
            apology=("I'm afraid the payment system is not answering. I will have somebody call you back by {day}."),
        ),
        ToolTalk(
            question="What is left to pay on my account?",
            filler="One moment, I am opening your account.",
            name="get_balance",
            arguments='{"account": "{reference}"}',
            output='{"balance": "{amount}", "due": "{day}"}',
            answer="There are {amount} left, and they are due on {day}.",
            apology="I cannot open the account just now. May I send you the balance by text message instead?",
        ),
    ),
    complaint="This is the third time I call about the same {amount}, and nobody does anything!",
    long_answer=(
        "Let me go through the whole bill with you from the top. First there is the standing charge for "
        "{month}, then the usage that your meter reported on {day}, after that the discount you were "
        "promised when you joined us, and finally the tax on all of it, which together come to {amount} "
        "before any credit is taken into account."
    ),
    transfer="I am putting you through to a colleague in the complaints team now. Please stay on the line.",
)
