using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

/// <summary>
/// Damaged, invented and recombined frames thrown at an engine in every state it can be in. No exception escapes, nothing grows, and the
/// lane still works afterwards. The seed and the frame are in the message of a failure.
/// </summary>
public sealed class MutatedFrameTests
{
    private const int CorpusFrames = 64;

    private static readonly int Frames = Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") == "quick" ? 100_000 : 1_000_000;

    /// <summary>States: fresh, everything acknowledged, much under way, gaps on both sides, an outage.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    public void Frames_MutatedAndStillWithARightCheck_DoNoHarm(int state, bool keyed)
    {
        var random = new Random(state + (keyed ? 100 : 0));
        using var pair = new LinkPair(keyed: keyed);
        List<byte[]> corpus = BringInto(state, pair);
        byte[] frame = new byte[LinkOptions.MaximumMtu];
        pair.A.Forgets = true;
        Throw(frame, corpus, pair, keyed, random, Frames / 20);
        long managed = GC.GetAllocatedBytesForCurrentThread();
        Throw(frame, corpus, pair, keyed, random, Frames);
        managed = GC.GetAllocatedBytesForCurrentThread() - managed;

        // Forgeries against a key cost AesGcm's exception once in a while (see FrameCipher); frames in the clear cost nothing.
        // What the runtime allocates while it optimizes is no more than a few hundred bytes.
        Assert.InRange(managed, 0, keyed ? Frames : 1000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lane_AfterMutatedFramesWithoutARightCheck_GoesOnUnharmed(bool keyed)
    {
        var random = new Random(77);
        using var pair = new LinkPair(keyed: keyed);
        List<byte[]> corpus = BringInto(state: 2, pair);
        byte[] frame = new byte[LinkOptions.MaximumMtu];
        for (int i = 0; i < Frames / 10; i++)
        {
            // One byte changed: detected for certain.
            byte[] original = corpus[random.Next(corpus.Count)];
            original.CopyTo(frame, 0);
            frame[random.Next(original.Length)] ^= (byte)random.Next(1, 256);
            Assert.NotEqual(FrameVerdict.Accepted, pair.A.Engine.OnFrame(frame.AsSpan(0, original.Length), pair.Now));
        }

        Recover(pair);
    }

    private static void Throw(byte[] frame, List<byte[]> corpus, LinkPair pair, bool keyed, Random random, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int length = Mutate(frame, corpus, random, keyed);
            pair.A.Engine.OnFrame(frame.AsSpan(0, length), pair.Now);
            if ((i & 63) == 0)
            {
                pair.Now += random.Next(1_000_000);
                pair.A.Engine.OnTimer(pair.Now);
                pair.A.Drain(pair.Now);
                pair.A.TryPut(64);
            }
        }
    }

    private static int Mutate(byte[] frame, List<byte[]> corpus, Random random, bool keyed)
    {
        byte[] original = corpus[random.Next(corpus.Count)];
        original.CopyTo(frame, 0);
        int length = original.Length;
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            switch (random.Next(6))
            {
                case 0:
                    frame[random.Next(FrameHeader.Length)] = (byte)random.Next(256);
                    break;
                case 1:
                    frame[random.Next(length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    length = random.Next(length + 1);
                    break;
                case 3:
                    // A frame number that is new, so that the rest is looked at.
                    frame.AsSpan(8, 4).Clear();
                    random.NextBytes(frame.AsSpan(12, 4));
                    break;
                case 4:
                    int field = random.Next(4, 12) * 4;
                    frame.AsSpan(field, 4).Fill(random.Next(2) == 0 ? (byte)0 : (byte)0xFF);
                    break;
                default:
                    byte[] other = corpus[random.Next(corpus.Count)];
                    int from = random.Next(FrameHeader.Length), bytes = random.Next(FrameHeader.Length - from);
                    other.AsSpan(from, bytes).CopyTo(frame.AsSpan(from));
                    break;
            }

            length = Math.Max(length, 0);
            if (length == 0)
            {
                return 0;
            }
        }

        if (!keyed && length >= FrameHeader.Length + FrameCheck.Length && random.Next(4) != 0)
        {
            // As a peer that lies would do it: the check is right.
            frame[0] = (byte)(FrameHeader.CurrentVersion << 4 | random.Next(5, 12));
            frame[2] = (byte)(length - FrameHeader.Length >> 8);
            frame[3] = (byte)(length - FrameHeader.Length);
            FrameCheck.Write(
                frame.AsSpan(0, FrameHeader.Length),
                frame.AsSpan(FrameHeader.Length, length - FrameHeader.Length - FrameCheck.Length),
                frame.AsSpan(length - FrameCheck.Length));
        }

        return length;
    }

    /// <summary>Brings A into a state, and returns frames that B might send it.</summary>
    private static List<byte[]> BringInto(int state, LinkPair pair)
    {
        if (state >= 1)
        {
            for (int i = 0; i < 20; i++)
            {
                pair.A.TryPut(64);
                pair.B.TryPut(64);
                pair.Exchange();
            }
        }

        if (state >= 2)
        {
            for (int i = 0; i < 20 && pair.A.TryPut(512); i++)
            {
                pair.A.Drain(pair.Now);
            }
        }

        List<byte[]> corpus = [];
        while (corpus.Count < CorpusFrames)
        {
            if (pair.B.TryPut(4 * (1 + corpus.Count)))
            {
                corpus.AddRange(pair.B.Collect(pair.Now));
            }

            pair.B.Engine.TryQueueControl(FrameType.Time, [1, 2, 3]);
            corpus.AddRange(pair.B.Collect(pair.Now));
            pair.Pass(100_000_000);
        }

        if (state >= 3)
        {
            for (int i = 1; i < 8; i += 2)
            {
                pair.A.Engine.OnFrame(corpus[i], pair.Now);
            }
        }

        if (state >= 4)
        {
            pair.Pass(1_000_000_000);
        }

        return corpus;
    }

    private static void Recover(LinkPair pair)
    {
        for (int i = 0; i < 200 && !(pair.A.Engine.IsDrained && pair.B.Engine.IsDrained); i++)
        {
            pair.PassToNextDeadline();
            pair.Exchange();
        }

        Assert.True(pair.A.Engine.IsDrained && pair.B.Engine.IsDrained);
        int had = pair.B.Delivered.Count;
        Assert.True(pair.A.TryPut(64));
        pair.Exchange();
        Assert.Equal(had + 1, pair.B.Delivered.Count);
    }
}
