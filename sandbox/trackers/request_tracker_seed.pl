# What the tests need in a Request Tracker with its default data; run once, when the root is made.
# Prints a line of JSON: the accounts' tokens, and the custom field's number.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use JSON;
use RT -init;

sub made {
    my ($thing, $ok, $message) = @_;
    die "$thing: $message\n" unless $ok;
    return;
}

sub account {
    my ($name) = @_;
    my $user = RT::User->new(RT->SystemUser);
    made($name, $user->Create(
        Name         => $name,
        RealName     => ucfirst($name) . ' Example',
        EmailAddress => "$name\@example.org",
        Password     => "$name-password",
        Privileged   => 1,
    ));
    return $user;
}

sub queue {
    my ($name) = @_;
    my $queue = RT::Queue->new(RT->SystemUser);
    made($name, $queue->Create(Name => $name));
    return $queue;
}

sub grant {
    my ($user, $object, @rights) = @_;
    made($_, $user->PrincipalObj->GrantRight(Right => $_, Object => $object)) for @rights;
    return;
}

sub token {
    my ($user) = @_;
    my $token = RT::AuthToken->new(RT->SystemUser);
    my ($ok, $message, $text) = $token->Create(Owner => $user->Id, Description => 'for tests');
    made('token', $ok, $message);
    return $text;
}

my $bot = account('reviewbot');
my $human = account('human');
my @committee = map { account("committee$_") } 1 .. 3;
my $review = queue('review');
queue('elsewhere');

my $key = RT::CustomField->new(RT->SystemUser);
made('ReviewKey', $key->Create(
    Name       => 'ReviewKey',
    Type       => 'Freeform',
    MaxValues  => 1,
    LookupType => 'RT::Queue-RT::Ticket',
));
made('ReviewKey', $key->AddToObject($review));

grant($human, RT->System, 'SuperUser');
# The least with which the pack does its work. SeeQueue lets it check the queue and its fields;
# ShowTicketComments, its own comments; ReassignTicket, take a ticket from one owner to another.
# ModifyTicket includes comments; ModifyCustomField, to take the key off a duplicate.
grant($bot, $review, qw(
    SeeQueue CreateTicket ShowTicket ShowTicketComments ModifyTicket ReassignTicket));
grant($bot, $key, qw(SeeCustomField ModifyCustomField));
for my $user (@committee) {
    grant($user, $review, qw(
        SeeQueue ShowTicket ShowTicketComments CommentOnTicket OwnTicket ModifyTicket));
    grant($user, $key, 'SeeCustomField');
}

print JSON::encode_json({
    tokens => { map { $_->Name => token($_) } ($bot, $human, @committee) },
    field  => $key->Id,
}), "\n";
