using PcieOe.Protocol.Functions;
using PcieOe.Target.Functions;
using PcieOe.Target.Policies;
using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Benchmarks.Policies;

/// <summary>
/// What Nested QoS costs: one decision with so many tenants waiting, and a command's whole way through admission with one tenant and one
/// class, beside that without a policy.
/// </summary>
internal static class NestedQosBenchmarks
{
    private const int CommandsPerCall = 256;
    private const int WaitingPerTenant = 4;

    public static IEnumerable<Benchmark> All()
    {
        foreach (int tenants in (int[])[1, 4, 16, 64, 256])
        {
            string name = $"nested-qos/decision-{tenants}-tenants";
            yield return new Benchmark(name, () => MeasureDecision(name, tenants));
        }

        yield return new Benchmark("admission/no-policy", () => MeasureAdmission("admission/no-policy", new UnlimitedAdmission()));
        yield return new Benchmark("admission/nested-qos-one-class", MeasureOneClass);
    }

    private static NestedQosTenantOptions Tenant(int number) => new()
    {
        Name = $"tenant{number}",
        Classes =
        [
            new() { Name = "gold", BurstUnits = 10, UnitsPerSecond = 1000, ResponseMilliseconds = 5 },
            new() { Name = "silver", BurstUnits = 40, UnitsPerSecond = 1500, ResponseMilliseconds = 20 },
            new() { Name = "bronze", BurstUnits = 200, UnitsPerSecond = 2000, ResponseMilliseconds = 100 },
        ],
    };

    // Every tenant has commands waiting throughout; one arrives for each that starts.
    private static Measurement MeasureDecision(string name, int tenants)
    {
        using NestedQosScheduler scheduler = new(new NestedQosOptions { Tenants = [.. Enumerable.Range(0, tenants).Select(Tenant)] }, 0);
        for (int i = 0; i < tenants * WaitingPerTenant; i++)
        {
            scheduler.TryEnqueue(i % tenants, 0, 1, 0, 0);
        }

        long now = 0;
        return Measurement.Take(name, CommandsPerCall, _ =>
        {
            for (int i = 0; i < CommandsPerCall; i++)
            {
                now += 1000;
                scheduler.TryStart(now, out NestedQosStart start);
                scheduler.OnServed(start, now);
                scheduler.OnCompleted(start, now);
                scheduler.TryEnqueue(start.Tenant, 0, 1, 0, now);
            }
        });
    }

    private static Measurement MeasureOneClass()
    {
        NestedQosTenantOptions tenant = new() { Name = "tenant", Classes = [new() { Name = "only", BurstUnits = 1000, UnitsPerSecond = 1e8, ResponseMilliseconds = 5 }] };
        using NestedQosPolicy policy = new(new NestedQosOptions { Tenants = [tenant] }, new Dictionary<string, string>(), 0, 0);
        return MeasureAdmission("admission/nested-qos-one-class", policy.CreateAdmission());
    }

    private static Measurement MeasureAdmission(string name, IAdmission admission)
    {
        ulong token = 0;
        long now = 0;
        return Measurement.Take(name, CommandsPerCall, _ =>
        {
            for (int i = 0; i < CommandsPerCall; i++)
            {
                now += 1000;
                AdmissionRequest request = new() { Token = new TransactionToken(token++), ArrivalNanoseconds = now, Bytes = 4096 };
                admission.Submit(request, now);
                admission.OnServed(request.Token, now);
                admission.OnCompleted(request.Token, now);
            }
        });
    }
}
