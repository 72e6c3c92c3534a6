using System.Buffers.Binary;
using PcieOe.Host.FrontEnds.Rings;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class RecordRingTests
{
    [Fact]
    public void RandomTraffic_AgainstAQueue_IsTheSame()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        using var ring = new RecordRing(1024);
        var model = new Queue<byte[]>();
        int full = 0;
        for (int step = 0; step < 200_000; step++)
        {
            if (random.Next(2) == 0)
            {
                byte[] record = new byte[random.Next(0, 500)];
                random.NextBytes(record);
                bool wasPromised = ring.HasRoomFor(record.Length);
                if (ring.TryReserve(record.Length, out Span<byte> room))
                {
                    record.CopyTo(room);
                    ring.Commit();
                    model.Enqueue(record);
                }
                else
                {
                    Assert.False(wasPromised, $"seed {Seed}, step {step}");
                    full++;
                }
            }
            else if (ring.TryPeek(out Span<byte> record))
            {
                Assert.True(record.SequenceEqual(model.Dequeue()), $"seed {Seed}, step {step}");
                ring.Release();
            }
            else
            {
                Assert.Empty(model);
            }

            Assert.Equal(model.Count == 0, ring.IsEmpty || !ring.TryPeek(out _));
        }

        Assert.True(full > 100);
    }

    [Fact]
    public void UncommittedRecord_IsNotSeen()
    {
        using var ring = new RecordRing(256);
        Assert.True(ring.TryReserve(8, out _));
        Assert.False(ring.TryPeek(out _));
        ring.Commit();
        Assert.True(ring.TryPeek(out _));
    }

    [Fact]
    public void TwoThreads_MillionRecords_ComeWholeAndInOrder()
    {
        const int Count = 1_000_000;
        using var ring = new RecordRing(4096);
        var writer = new Thread(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                Span<byte> room;
                while (!ring.TryReserve(8 + i % 50, out room))
                {
                    Thread.Yield();
                }

                BinaryPrimitives.WriteInt32LittleEndian(room, i);
                room[4..].Fill((byte)i);
                ring.Commit();
            }
        });
        writer.Start();
        for (int i = 0; i < Count; i++)
        {
            Span<byte> record;
            while (!ring.TryPeek(out record))
            {
                Thread.Yield();
            }

            Assert.Equal(8 + i % 50, record.Length);
            Assert.Equal(i, BinaryPrimitives.ReadInt32LittleEndian(record));
            Assert.False(record[4..].ContainsAnyExcept((byte)i));
            ring.Release();
        }

        writer.Join();
    }
}
