using PcieOe.Protocol.Functions;
using PcieOe.Target.Policies;
using PcieOe.Target.Tests.Functions;
using PcieOe.Transport.Policies.NestedQos;
using Xunit;

namespace PcieOe.Target.Tests.Policies;

/// <summary>Two tenants' functions, each behind a bridge, at one scheduler that starts a unit each 100 us.</summary>
public sealed class NestedQosAdmissionTests : IDisposable
{
    private const long Microsecond = 1000;
    private const long Pace = 100 * Microsecond;

    private static readonly NestedQosOptions TwoTenants = new()
    {
        Tenants =
        [
            new() { Name = "first", Classes = [new() { Name = "gold", BurstUnits = 4, UnitsPerSecond = 1000, ResponseMilliseconds = 5 }] },
            new() { Name = "second", Classes = [new() { Name = "gold", BurstUnits = 4, UnitsPerSecond = 1000, ResponseMilliseconds = 5 }] },
            new() { Name = "others" },
        ],
        CapacityUnitsPerSecond = 10_000,
        MaximumOutstanding = 8,
    };

    private static readonly Dictionary<string, string> Hosts = new() { ["a"] = "first", ["b"] = "second", ["c"] = "unnamed" };

    private readonly NestedQosPolicy _policy;
    private readonly BridgeHarness _first;
    private readonly BridgeHarness _second;
    private readonly NestedQosAdmission _firstAdmission;
    private long _now = 1_000_000_000;

    public NestedQosAdmissionTests()
    {
        _policy = new NestedQosPolicy(TwoTenants, Hosts, otherTenant: 2, _now);
        (_first, _firstAdmission) = Attach("a");
        (_second, _) = Attach("b");
    }

    public void Dispose() => _policy.Dispose();

    [Fact]
    public void Hosts_ByTheirTenant_OthersTogether()
    {
        Assert.Equal([0, 1, 2, 2], ((string[])["a", "b", "c", "stranger"]).Select(_policy.TenantOf));
    }

    [Fact]
    public void Command_WhileNothingWaits_StartsAtOnceWithItsDeadline()
    {
        Admission admission = Submit(_first, 1);
        Assert.True(admission.Starts);
        Assert.Equal(_now + 5_000 * Microsecond, admission.DeadlineNanoseconds);
    }

    [Fact]
    public void BestEffort_Started_IsDueAtEgressSomeTime()
    {
        for (ulong i = 1; i <= 4; i++)
        {
            Submit(_first, i);
            _now += Pace;
            _policy.Start(_now);
        }

        Admission admission = Submit(_first, 5);
        Assert.True(admission.Starts);
        Assert.InRange(admission.DeadlineNanoseconds, _now + 5_000 * Microsecond, _now + 10_000_000 * Microsecond);
    }

    [Fact]
    public void Commands_BeyondThePace_StartOneByOneFairly()
    {
        Assert.True(Submit(_first, 1).Starts);
        for (ulong i = 2; i <= 4; i++)
        {
            Assert.False(Submit(_first, i).Starts);
            Assert.False(Submit(_second, i).Starts);
        }

        Assert.Equal(_now + Pace, _policy.NextDeadline);
        Assert.False(_policy.Start(_now + Pace - 1));
        for (int i = 0; i < 4; i++)
        {
            _now += Pace;
            Assert.True(_policy.Start(_now));
            Assert.False(_policy.Start(_now));
        }

        Assert.Equal(2, _first.Function.Log.Count);
        Assert.Equal(2, _second.Function.Log.Count);
    }

    [Fact]
    public void Completed_Command_CountsAsMetOrMissed()
    {
        Submit(_first, 1);
        Finish(_first, 1, _now + 5_000 * Microsecond);
        _now += Pace;
        Submit(_first, 2);
        Finish(_first, 2, _now + 5_001 * Microsecond);
        NestedQosClassStatistics gold = _policy.Scheduler.StatisticsOf(0)[0];
        Assert.Equal((2, 1, 1), (gold.Arrivals, gold.Met, gold.Missed));
        Assert.Equal(0, _policy.Scheduler.Outstanding);
    }

    [Fact]
    public void Reset_OfOneFunction_WithdrawsItsCommandsAlone()
    {
        Submit(_first, 1);
        Submit(_first, 2);
        Submit(_second, 3);
        _first.Bridge.Open(_first.Lane, FunctionResetKind.Conventional, _now);
        _first.Function.Log.Clear();
        Assert.Equal((1, 0), (_policy.Scheduler.Waiting, _policy.Scheduler.Outstanding));
        StartAll();
        Assert.Empty(_first.Function.Log);
        Assert.Equal(["admitted 3"], _second.Function.Log);
    }

    [Fact]
    public void AbortedCommand_WhileItWaits_NeverStarts()
    {
        Submit(_first, 1);
        Submit(_first, 2);
        Submit(_first, 3);
        _first.Function.Ready(2);
        Assert.Equal(1, _policy.Scheduler.Waiting);
        _first.Bridge.Pump(_now);
        StartAll();
        Assert.Equal(["admitted 3"], _first.Function.Log);
        Finish(_first, 1, _now);
        Finish(_first, 3, _now);
        Assert.Equal(0, _policy.Scheduler.Outstanding);
    }

    [Fact]
    public void AbortedCommand_BeforeThePolicyKnowsIt_TakesNoRoomAndNoPace()
    {
        Submit(_first, 1);
        Submit(_first, 2);
        _first.Function.Gone.Add(2);
        Submit(_first, 3);
        _now += Pace;
        Assert.True(_policy.Start(_now));
        Assert.Equal(["admitted 3"], _first.Function.Log);
        Assert.Equal(2, _policy.Scheduler.Outstanding);
    }

    [Fact]
    public void Outage_OfOneHost_LeavesTheEndpointToOthers()
    {
        for (ulong i = 1; i <= 8; i++)
        {
            Submit(_first, i);
        }

        StartAll();
        Assert.Equal(6, _policy.Scheduler.Outstanding);
        _firstAdmission.Suspend();
        Assert.Equal(0, _policy.Scheduler.Outstanding);
        StartAll();
        Assert.Equal(0, _policy.Scheduler.Outstanding);
        Assert.Equal(0, _policy.Scheduler.Waiting);
        _first.Function.Ready(1);
        _firstAdmission.Resume();
        Assert.Equal(7, _policy.Scheduler.Outstanding);
        for (ulong i = 1; i <= 8; i++)
        {
            Finish(_first, i, _now);
        }

        Assert.Equal(0, _policy.Scheduler.Outstanding);
    }

    [Fact]
    public void Tenant_ThatIsStuck_LeavesRoomForOthers()
    {
        for (ulong i = 1; i <= 20; i++)
        {
            Submit(_first, i);
        }

        StartAll();
        Assert.Equal(6, _policy.Scheduler.Outstanding);
        Submit(_second, 1);
        StartAll();
        Assert.Equal(7, _policy.Scheduler.Outstanding);
    }

    [Fact]
    public void SteadyState_AllocatesNothing()
    {
        _first.Function.IsLogging = false;
        RunCommands(1, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        RunCommands(1000, 5000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void RunCommands(ulong first, ulong count)
    {
        for (ulong i = first; i < first + count; i++)
        {
            _firstAdmission.Submit(new AdmissionRequest { Token = new TransactionToken(i), ArrivalNanoseconds = _now, Bytes = 4096 }, _now);
            _now += Pace / 2;
            _policy.Start(_now);
            _firstAdmission.OnServed(new TransactionToken(i), _now);
            _firstAdmission.OnCompleted(new TransactionToken(i), _now);
        }
    }

    private void StartAll()
    {
        for (int i = 0; i < 100; i++)
        {
            _now += Pace;
            _policy.Start(_now);
        }
    }

    private (BridgeHarness Bridge, NestedQosAdmission Admission) Attach(string host)
    {
        NestedQosAdmission admission = _policy.CreateAdmission();
        admission.UseTenant(_policy.TenantOf(host));
        return (new BridgeHarness(admission: admission), admission);
    }

    private Admission Submit(BridgeHarness harness, ulong token) => harness.Function.Host.Submit(
        new AdmissionRequest { Token = new TransactionToken(token), ArrivalNanoseconds = _now, Bytes = 4096 }, _now);

    private static void Finish(BridgeHarness harness, ulong token, long now)
    {
        harness.Function.Ready(token);
        harness.Bridge.Pump(now);
    }
}
