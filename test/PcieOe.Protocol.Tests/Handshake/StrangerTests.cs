using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Sessions;
using PcieOe.Protocol.Tests.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Handshake;

/// <summary>What those who do not belong can do to a target and to a host: nothing but cost a little time.</summary>
public sealed class StrangerTests
{
    private static readonly HostCredential WrongKey = new("alpha", "not the key of alpha, but long enough"u8);

    [Fact]
    public void WrongKey_UnknownHost_AndNoKey_GetTheSameAnswer()
    {
        byte[][] answers = [.. new[]
        {
            Refusal(o => o with { Credential = WrongKey }),
            Refusal(o => o with { HostName = "gamma", Credential = new HostCredential("gamma", "whatever key that is long enough"u8) }),
            Refusal(o => o with { Credential = null }),
        }];

        // All but the echoed nonce and session id, and the check at the end.
        foreach (byte[] answer in answers)
        {
            answer.AsSpan(FrameHeader.Length - 44, 4).Clear();
            answer.AsSpan(FrameHeader.Length + 8, 4).Clear();
            answer.AsSpan(FrameHeader.Length + 16, 32).Clear();
            answer.AsSpan(answer.Length - 4).Clear();
            Assert.Equal(answers[0], answer);
        }

        byte[] Refusal(Func<HostSessionOptions, HostSessionOptions> change)
        {
            using var lab = new SessionLab(keyed: true);
            HostStation host = lab.AddHost("alpha", change: change);
            lab.Segment.RunMilliseconds(5000);
            Assert.Contains(host.Events, e => e.StartsWith("refused NotAuthorized"));
            Assert.Equal(HostSessionState.Connecting, host.Session.State);
            Assert.Equal(0, lab.Target.Sessions.ListenerCounters.KeyAgreements);
            Assert.True(lab.Target.Sessions.ListenerCounters.NotAuthorized > 0);
            Assert.Equal(0, lab.Target.Sessions.Count);
            return lab.Segment.Sent.First(frame => frame.Type == FrameType.Accept).Bytes;
        }
    }

    [Fact]
    public void KeyedHost_BeforeAnInsecureTarget_NeverHasASession()
    {
        using var lab = new SessionLab(keyed: false);
        HostStation host = lab.AddHost("alpha", change: o => o with { Credential = SessionLab.Credential("alpha") });
        lab.Segment.RunMilliseconds(5000);
        Assert.All(host.Events, e => Assert.Equal("refused TargetIsInsecure by somebody", e));
        Assert.NotEmpty(host.Events);
        Assert.Equal(HostSessionState.Connecting, host.Session.State);
    }

    [Fact]
    public void ForgedRefusals_DoNotKeepAHostFromItsTarget()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame =>
        {
            if (frame.Type != FrameType.Accept)
            {
                return [frame];
            }

            byte[] forged = [.. frame.Bytes];
            forged[FrameHeader.Length + 2] = (byte)AcceptStatus.NoSuchFunction;
            Fuzz.FixCheck(forged);
            return [frame with { Bytes = forged }, frame];
        };
        HostStation host = lab.Connect("alpha");
        Assert.Equal(["refused NoSuchFunction by somebody", "established New"], host.Events);
    }

    [Theory]
    [InlineData(FrameType.Hello)]
    [InlineData(FrameType.Accept)]
    public void ManInTheMiddle_SwapsPublicKeys_NoSession(FrameType type)
    {
        using var own = System.Security.Cryptography.ECDiffieHellman.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        System.Security.Cryptography.ECPoint point = own.ExportParameters(false).Q;
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame =>
        {
            if (frame.Type != type)
            {
                return [frame];
            }

            byte[] swapped = [.. frame.Bytes];
            point.X!.CopyTo(swapped, FrameHeader.Length + 48);
            point.Y!.CopyTo(swapped, FrameHeader.Length + 80);
            Fuzz.FixCheck(swapped);
            return [frame with { Bytes = swapped }];
        };
        HostStation host = lab.AddHost("alpha");
        lab.Segment.RunMilliseconds(15_000);
        Assert.Equal(HostSessionState.Connecting, host.Session.State);
        Assert.Equal(0, lab.Target.Sessions.EstablishedCount);
        Assert.Equal(type == FrameType.Hello, lab.Target.Sessions.ListenerCounters.KeyAgreements == 0);
    }

    [Fact]
    public void FrameSwappedBetweenHosts_OpensNothing()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation alpha = lab.Connect("alpha", "nvme0");
        uint alphaId = alpha.Session.TargetSessionId;
        HostStation beta = lab.Connect("beta", "nvme1");
        lab.Segment.Sent.Clear();
        lab.Segment.Tap = _ => [];
        CountingSink.Send(beta.Session.Transmitter, 666);
        lab.Segment.RunMilliseconds(1);
        WireFrame data = lab.Segment.Sent.First(frame => frame.Type == FrameType.Data);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(data.Bytes.AsSpan(4), alphaId);
        lab.Segment.Inject(data);
        lab.Segment.RunMilliseconds(1);
        Assert.Empty(lab.Target.Sinks["nvme0"].Received);
        Assert.Empty(lab.Target.Sinks["nvme1"].Received);
    }

    [Fact]
    public void AcceptOfOneHost_GivenToAnother_IsNothingToIt()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame => frame.Type == FrameType.Accept ? [] : [frame];
        HostStation alpha = lab.AddHost("alpha", "nvme0");
        HostStation beta = lab.AddHost("beta", "nvme1");
        lab.Segment.RunMilliseconds(100);
        foreach (WireFrame accept in lab.Segment.Sent.Where(frame => frame.Type == FrameType.Accept).ToArray())
        {
            HostStation other = accept.Destination == alpha.Address ? beta : alpha;
            WireFrame request = lab.Segment.Sent.Last(frame => frame.Type == FrameType.Hello && frame.Source == other.Address);

            // Even when the ids are made to fit.
            byte[] bytes = [.. accept.Bytes];
            request.Bytes.AsSpan(FrameHeader.Length + 4, 4).CopyTo(bytes.AsSpan(4));
            request.Bytes.AsSpan(FrameHeader.Length + 4, 4).CopyTo(bytes.AsSpan(FrameHeader.Length + 8));
            request.Bytes.AsSpan(FrameHeader.Length + 16, 32).CopyTo(bytes.AsSpan(FrameHeader.Length + 16));
            Fuzz.FixCheck(bytes);
            lab.Segment.Inject(new WireFrame(accept.Source, other.Address, bytes));
        }

        lab.Segment.RunMilliseconds(100);
        Assert.Equal((HostSessionState.Connecting, HostSessionState.Connecting), (alpha.Session.State, beta.Session.State));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CloseFrame_Forged_EndsNoKeyedSession(bool fromHost)
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        lab.Exchange(host);
        WireFrame genuine = lab.Segment.Sent.Last(frame => frame.Type == FrameType.Data && (frame.Source == host.Address) == fromHost);
        foreach (int contentBytes in new[] { 0, 4, 20 })
        {
            byte[] forged = [.. genuine.Bytes[..FrameHeader.Length], .. new byte[contentBytes + FrameCipher.TagBytes]];
            forged[0] = (byte)(forged[0] & 0xF0 | (byte)FrameType.Close);
            forged[2] = 0;
            forged[3] = (byte)(contentBytes + FrameCipher.TagBytes);
            for (byte number = 0; number < 255; number++)
            {
                forged[15] = number;
                lab.Segment.Inject(genuine with { Bytes = [.. forged] });
            }
        }

        lab.Segment.RunMilliseconds(5000);
        Assert.Equal(["established New"], host.Events);
        lab.Exchange(host);
        Assert.Equal(["attached alpha nvme0 Fresh"], lab.Target.Events);
    }

    [Fact]
    public void Strangers_OfAllKinds_GetNoMoreBytesThanTheySend()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.AddHost("alpha", change: o => o with { Credential = WrongKey });
        lab.Segment.RunMilliseconds(3000);
        WireFrame[] corpus = [.. lab.Segment.Sent.Where(frame => frame.Source == host.Address)];
        lab.Segment.Remove(host);
        lab.Segment.Sent.Clear();
        var random = new Random(11);
        long sent = 0;
        for (int i = 0; i < 30_000; i++)
        {
            WireFrame frame = corpus[random.Next(corpus.Length)];
            if (random.Next(3) != 0)
            {
                frame = Fuzz.Mutate(frame, random, fixCheck: true);
            }

            sent += frame.Bytes.Length;
            lab.Segment.Inject(frame, i * 20_000L);
        }

        lab.Segment.RunMilliseconds(2000);
        Assert.NotEmpty(lab.Segment.Sent);
        Assert.True(lab.Segment.Sent.Sum(frame => (long)frame.Bytes.Length) <= sent);
        Assert.All(lab.Segment.Sent, frame => Assert.True(frame.Bytes.Length <= FrameHeader.Length + 384 + 4));
        Assert.InRange(lab.Segment.Sent.Count(frame => frame.Type == FrameType.Accept), 1, 100);
        Assert.Equal(0, lab.Target.Sessions.Count);
        Assert.Equal(0, lab.Target.Sessions.ListenerCounters.KeyAgreements);
    }

    [Fact]
    public void Flood_OfHellos_CostsAShareOfTheTargetAlone_AndSessionsGoOn()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        WireFrame hello = lab.Segment.Sent.First(frame => frame.Type == FrameType.Hello);
        lab.Segment.Sent.Clear();
        for (int i = 0; i < 100_000; i++)
        {
            lab.Segment.Inject(hello with { Source = new MacAddress(0x0200_0000_0999) }, i * 5_000L);
        }

        lab.Exchange(host);
        lab.Segment.RunMilliseconds(1000);
        ListenerCounters counters = lab.Target.Sessions.ListenerCounters;
        Assert.InRange(counters.ChallengesSent, 1, 12_000);
        Assert.True(counters.RateLimited > 80_000);
        Assert.Equal(["established New"], host.Events);
    }

    [Fact]
    public void LaterVersion_IsToldSo()
    {
        using var lab = new SessionLab(keyed: true);
        lab.Segment.Tap = frame =>
        {
            if (frame.Type == FrameType.Hello)
            {
                frame.Bytes[FrameHeader.Length] = 2;
                Fuzz.FixCheck(frame.Bytes);
            }

            return [frame];
        };
        HostStation host = lab.AddHost("alpha");
        lab.Segment.RunMilliseconds(500);
        Assert.Contains("refused VersionNotSupported by somebody", host.Events);
    }

    [Fact]
    public void HelloForAnotherTarget_IsIgnored()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.AddHost("alpha", change: o => o with { TargetName = "another" });
        lab.Segment.RunMilliseconds(3000);
        Assert.Empty(host.Events);
        Assert.DoesNotContain(lab.Segment.Sent, frame => frame.Source == SessionLab.TargetAddress);
        Assert.True(lab.Target.Sessions.ListenerCounters.ForOthers > 3);
    }
}
