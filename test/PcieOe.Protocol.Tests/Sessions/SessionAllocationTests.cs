using System.Buffers.Binary;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Sessions;

public sealed class SessionAllocationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SteadyState_AllocatesNothing(bool keyed)
    {
        using var lab = new SessionLab(keyed, o => o with { RekeyIntervalFrames = 1 << 24 });
        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        lab.Segment.RunMilliseconds(2000);
        byte[] header = new byte[48], scratch = new byte[9216], frame = new byte[9216];
        ITlpTransmitter toTarget = host.Session.Transmitter, toHost = lab.Target.LastAttached!.Transmitter;
        long now = lab.Segment.Now;
        uint value = 0;
        host.Sink.Received.Capacity = lab.Target.Sinks["nvme0"].Received.Capacity = 100_000;
        for (int i = 0; i < 100; i++)
        {
            Round();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 2000; i++)
        {
            Round();
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(2200, host.Sink.Received.Count);

        void Round()
        {
            now += 100_000;
            Put(toTarget);
            Put(toHost);
            host.Session.OnTimer(now);
            while (host.Session.TryGetFrameToSend(now, header, scratch, out ReadOnlySpan<byte> content, out _))
            {
                header.CopyTo(frame, 0);
                content.CopyTo(frame.AsSpan(48));
                lab.Target.Sessions.OnFrame(frame.AsSpan(0, 48 + content.Length), host.Address, now);
            }

            if (lab.Target.Sessions.NextDeadline <= now)
            {
                lab.Target.Sessions.OnTimer(now);
            }

            while (lab.Target.Sessions.TryGetFrameToSend(now, header, scratch, out ReadOnlySpan<byte> content, out MacAddress _, out TargetSession? _))
            {
                header.CopyTo(frame, 0);
                content.CopyTo(frame.AsSpan(48));
                host.Session.OnFrame(frame.AsSpan(0, 48 + content.Length), SessionLab.TargetAddress, now);
            }
        }

        void Put(ITlpTransmitter transmitter)
        {
            BinaryPrimitives.WriteUInt32BigEndian(transmitter.Reserve(4), value++);
            transmitter.Commit(4);
        }
    }
}
