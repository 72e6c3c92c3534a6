using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Target.Policies;

/// <summary>
/// Nested QoS for all functions of one worker: its scheduler, and an admission for each function that feeds it. Which tenant a function's
/// commands count for follows from the host that holds it. On the worker's thread; nothing allocates after construction.
/// </summary>
internal sealed class NestedQosPolicy : IDisposable
{
    // Bounds what a poll round does: with fast media each start is a whole command.
    private const int StartsPerRound = 64;

    private readonly Dictionary<string, int> _tenants = new(StringComparer.Ordinal);
    private readonly int _otherTenant;
    private readonly List<NestedQosAdmission> _members = [];

    /// <param name="tenantOfHost">The tenant that a host's traffic counts for.</param>
    /// <param name="otherTenant">Index of the tenant for all who are not named in the options.</param>
    internal NestedQosPolicy(NestedQosOptions options, IReadOnlyDictionary<string, string> tenantOfHost, int otherTenant, long now)
    {
        Scheduler = new NestedQosScheduler(options, now);
        _otherTenant = otherTenant;
        Dictionary<string, int> byName = options.Tenants.Select((tenant, index) => (tenant.Name, index)).ToDictionary(StringComparer.Ordinal);
        foreach ((string host, string tenant) in tenantOfHost)
        {
            _tenants[host] = byName.GetValueOrDefault(tenant, otherTenant);
        }
    }

    internal NestedQosScheduler Scheduler { get; }

    internal long NextDeadline => Scheduler.NextDeadline;

    /// <summary>The admission of one more function. Before the worker starts.</summary>
    internal NestedQosAdmission CreateAdmission()
    {
        NestedQosAdmission member = new(Scheduler, _members.Count);
        _members.Add(member);
        return member;
    }

    internal int TenantOf(string hostName) => _tenants.GetValueOrDefault(hostName, _otherTenant);

    /// <summary>Starts what may start now. True: something did.</summary>
    internal bool Start(long now)
    {
        int started = 0;
        while (started < StartsPerRound && Scheduler.TryStart(now, out NestedQosStart start))
        {
            _members[start.Owner].Start(start, now);
            started++;
        }

        return started > 0;
    }

    public void Dispose() => Scheduler.Dispose();
}
