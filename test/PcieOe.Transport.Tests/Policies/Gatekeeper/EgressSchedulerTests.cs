using PcieOe.Transport.Policies.Gatekeeper;
using Xunit;

namespace PcieOe.Transport.Tests.Policies.Gatekeeper;

public sealed class EgressSchedulerTests
{
    private const int FrameBytes = 9000 - EgressScheduler.WireOverheadBytes;
    private const double Gigabit = 125_000_000;

    [Fact]
    public void BackloggedTenants_ShareByWeight_FlowsOfOneEqually()
    {
        var scheduler = new EgressScheduler(flows: 4, tenants: 3, Gigabit, 1_000_000);
        scheduler.SetTenant(0, 0.5 * Gigabit, 0);
        scheduler.SetTenant(1, 0.3 * Gigabit, 0);
        scheduler.SetTenant(2, 0.2 * Gigabit, 0);
        int[] tenantOf = [0, 1, 1, 2];
        for (int flow = 0; flow < 4; flow++)
        {
            scheduler.AddFlow(flow, tenantOf[flow]);
        }

        long[] frames = Run(scheduler, 4, seconds: 1, _ => true);
        double all = frames.Sum();
        Assert.Equal(Gigabit / 9000, all, Gigabit / 9000 * 0.01);
        Assert.Equal([0.5, 0.15, 0.15, 0.2], frames.Select(count => Math.Round(count / all, 3)));
        Assert.Equal(frames[3] * 9000, scheduler.SentBytes(2));
    }

    [Fact]
    public void TenantAtItsMaximum_LeavesTheRest_AndKeepsToIt()
    {
        var scheduler = new EgressScheduler(flows: 2, tenants: 2, Gigabit, 1_000_000);
        scheduler.SetTenant(0, 0.9 * Gigabit, 0.2 * Gigabit);
        scheduler.SetTenant(1, 0.1 * Gigabit, 0);
        scheduler.AddFlow(0, 0);
        scheduler.AddFlow(1, 1);
        long[] frames = Run(scheduler, 2, seconds: 1, _ => true);
        Assert.Equal([0.2, 0.8], frames.Select(count => Math.Round(count * 9000 / Gigabit, 2)));

        // What it was kept from is not owed to it afterwards.
        scheduler.SetTenant(0, 0.5 * Gigabit, 0);
        scheduler.SetTenant(1, 0.5 * Gigabit, 0);
        frames = Run(scheduler, 2, seconds: 0.1, _ => true, from: 1_000_000_000);
        Assert.Equal(frames[0], frames[1], 30d);
    }

    [Fact]
    public void FlowWithAPermittedRate_KeepsToItUntilItIsCleared()
    {
        var scheduler = new EgressScheduler(flows: 1, tenants: 1, 0, 1_000_000);
        scheduler.SetTenant(0, Gigabit, 0);
        scheduler.AddFlow(0, 0);
        scheduler.SetFlowRate(0, 0.1 * Gigabit);
        Assert.Equal(0.1 * Gigabit / 9000, Run(scheduler, 1, 1, _ => true)[0], Gigabit / 9000 * 0.002);
        Assert.True(scheduler.IsWaiting(0));
        Assert.InRange(scheduler.NextDeadline, 999_000_000, 1_002_000_000);
        scheduler.ClearFlowRate(0);
        Assert.True(scheduler.TryNext(1_000_000_000, out int flow));
        Assert.Equal(0, flow);
    }

    [Fact]
    public void LinkAfterAPause_SendsNoMoreThanItsBurstAtOnce()
    {
        var scheduler = new EgressScheduler(flows: 1, tenants: 1, Gigabit, 1_000_000);
        scheduler.SetTenant(0, Gigabit, 0);
        scheduler.AddFlow(0, 0);
        scheduler.MarkReady(0, 0);
        int frames = 0;
        for (; scheduler.TryNext(5_000_000_000, out int flow); frames++)
        {
            scheduler.OnSent(flow, FrameBytes, 5_000_000_000);
        }

        Assert.Equal(14, frames);
        Assert.InRange(scheduler.NextDeadline, 5_000_000_001, 5_000_072_000);
    }

    [Fact]
    public void RandomUse_WorkIsConserved_AndNobodyIsForgotten()
    {
        // Flows get and lose frames, rates, maxima and membership at random: whatever has a frame and no bound to wait for is sent.
        Random random = new(20_11);
        const int flows = 24, tenants = 6;
        var scheduler = new EgressScheduler(flows, tenants, 0, 100_000);
        var backlog = new int[flows];
        for (int tenant = 0; tenant < tenants; tenant++)
        {
            scheduler.SetTenant(tenant, 1e6 * (1 + tenant), 0);
        }

        long now = 0;
        for (int round = 0; round < 20_000; round++)
        {
            now += random.Next(200_000);
            int at = random.Next(flows);
            switch (random.Next(6))
            {
                case 0 when scheduler.Has(at):
                    scheduler.RemoveFlow(at);
                    backlog[at] = 0;
                    break;
                case 0 or 1 when !scheduler.Has(at):
                    scheduler.AddFlow(at, random.Next(tenants));
                    break;
                case 1 or 2 or 3 when scheduler.Has(at):
                    backlog[at] += random.Next(4);
                    scheduler.MarkReady(at, now);
                    break;
                case 4 when scheduler.Has(at):
                    scheduler.SetFlowRate(at, 1e6 + 1e8 * random.NextDouble());
                    break;
                case 5 when scheduler.Has(at):
                    scheduler.ClearFlowRate(at);
                    break;
                default:
                    scheduler.SetTenant(random.Next(tenants), 1e6 * random.Next(1, 100), random.Next(2) * 1e7);
                    break;
            }

            Drain(scheduler, backlog, now);
        }

        // In the end everything has gone. (Who sent last at a rate waits before it is found to have nothing more.)
        for (now += 1_000_000_000; scheduler.NextDeadline != long.MaxValue; now += 1_000_000_000)
        {
            Drain(scheduler, backlog, now);
        }

        Assert.All(backlog, count => Assert.Equal(0, count));
    }

    [Fact]
    public void Choice_InSteadyState_AllocatesNothing()
    {
        var scheduler = new EgressScheduler(flows: 256, tenants: 256, Gigabit, 1_000_000);
        for (int i = 0; i < 256; i++)
        {
            scheduler.SetTenant(i, 1e5 * (1 + i), i % 3 == 0 ? 1e6 : 0);
            scheduler.AddFlow(i, i);
        }

        Run(scheduler, 256, 0.05, _ => true);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Send(scheduler, 100_000_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        static void Send(EgressScheduler scheduler, long now)
        {
            while (scheduler.TryNext(now, out int flow))
            {
                scheduler.OnSent(flow, FrameBytes, now);
            }
        }
    }

    private static void Drain(EgressScheduler scheduler, int[] backlog, long now)
    {
        int guard = 0;
        while (scheduler.TryNext(now, out int flow))
        {
            Assert.True(guard++ < 10_000, "It goes on for ever.");
            if (backlog[flow] == 0)
            {
                scheduler.OnEmpty(flow);
                continue;
            }

            backlog[flow]--;
            scheduler.OnSent(flow, FrameBytes, now);
        }

        for (int flow = 0; flow < backlog.Length; flow++)
        {
            Assert.True(backlog[flow] == 0 || (scheduler.IsWaiting(flow) && scheduler.NextDeadline > now), $"flow {flow} has frames, and nothing waits for it.");
        }
    }

    private static long[] Run(EgressScheduler scheduler, int flows, double seconds, Func<int, bool> hasFrame, long from = 0)
    {
        var frames = new long[flows];
        for (long now = from; now < from + (long)(seconds * 1e9); now += 10_000)
        {
            for (int flow = 0; flow < flows; flow++)
            {
                scheduler.MarkReady(flow, now);
            }

            while (scheduler.TryNext(now, out int flow))
            {
                if (hasFrame(flow))
                {
                    frames[flow]++;
                    scheduler.OnSent(flow, FrameBytes, now);
                }
                else
                {
                    scheduler.OnEmpty(flow);
                }
            }
        }

        return frames;
    }
}
