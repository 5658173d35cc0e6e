# What the tests need in a Redmine with its default data; run once, by `rails runner`, when the
# root is made. Prints a line of JSON: the accounts' API keys, and the numbers of what was made.

Setting.rest_api_enabled = '1'
# Nobody reads this server's mail.
Setting.notified_events = []

def account(login, admin: false)
  user = User.new(
    firstname: login.capitalize, lastname: 'Example', mail: "#{login}@example.org",
    language: 'en', mail_notification: 'none'
  )
  user.login = login
  user.admin = admin
  user.password = user.password_confirmation = "#{login}-password"
  user.save!
  user
end

bot = account('reviewbot')
human = account('human', admin: true)
committee = %w[committee1 committee2 committee3].map { |login| account(login) }

# Default data have Bug, Feature and Support, with transitions for the roles of people.
tracker = Tracker.find_by!(name: 'Support')

key = IssueCustomField.new(
  name: 'Review key', field_format: 'string', is_filter: true, visible: true, is_for_all: false
)
key.trackers = [tracker]
key.save!

review = Project.new(name: 'Review escalations', is_public: true)
review.identifier = 'review'
review.enabled_module_names = ['issue_tracking']
review.trackers = [tracker]
review.issue_custom_fields = [key]
review.save!

elsewhere = Project.new(name: 'Elsewhere', is_public: false)
elsewhere.identifier = 'elsewhere'
elsewhere.enabled_module_names = ['issue_tracking']
elsewhere.trackers = [tracker]
elsewhere.save!

# The least with which the pack does its work: without the fourth it cannot change what it opened
# itself; it needs no right to edit what others opened.
bots = Role.new(
  name: 'Review bot', assignable: false, issues_visibility: 'all',
  permissions: %i[view_issues add_issues add_issue_notes edit_own_issues manage_issue_relations]
)
bots.save!
# Its transitions: from everywhere to the closed statuses, and back to the first one.
first = tracker.default_status
IssueStatus.all.each do |from|
  IssueStatus.all.each do |to|
    next if from == to
    next unless to.is_closed || (from.is_closed && to == first)

    WorkflowTransition.create!(role: bots, tracker: tracker, old_status: from, new_status: to)
  end
end

Member.create!(project: review, principal: bot, roles: [bots])
developers = Role.find_by!(name: 'Developer')
committee.each { |user| Member.create!(project: review, principal: user, roles: [developers]) }

puts JSON.generate(
  keys: [bot, human, *committee].to_h { |user| [user.login, user.api_key] },
  field: key.id,
  tracker: tracker.id
)
